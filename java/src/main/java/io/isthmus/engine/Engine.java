package io.isthmus.engine;

import static io.isthmus.engine.c.IsthmusApi.IST_BACKEND_CPU;
import static io.isthmus.engine.c.IsthmusApi.IST_BACKEND_CUDA;
import static io.isthmus.engine.c.IsthmusApi.IST_BACKEND_EMULATED;
import static io.isthmus.engine.c.IsthmusApi.IST_BF16;
import static io.isthmus.engine.c.IsthmusApi.IST_FP16;
import static io.isthmus.engine.c.IsthmusApi.IST_FP32;
import static io.isthmus.engine.c.IsthmusApi.ist_engine_create;
import static io.isthmus.engine.c.IsthmusApi.ist_engine_description;
import static io.isthmus.engine.c.IsthmusApi.ist_engine_supports;
import static io.isthmus.engine.c.IsthmusApi.ist_live_handles;
import static io.isthmus.engine.c.IsthmusApi.ist_version;

import io.isthmus.config.Precision;
import io.isthmus.engine.c.IsthmusApi;
import io.isthmus.engine.c.ist_engine;

/** One device with its threads and its memory. */
public final class Engine implements AutoCloseable {
  private final NativeHandle<ist_engine> handle;

  private Engine(ist_engine pointer) {
    handle = new NativeHandle<>("Engine", pointer, IsthmusApi::ist_engine_destroy);
  }

  /**
   * Opens a device.
   *
   * @param backend its kind
   * @param device its number, from 0
   * @param threads host threads to compute with; 0: one per available core
   * @throws EngineException if the backend or the device is not there, or ISTHMUS_ISA names no
   *     instruction set
   */
  public static Engine open(Backend backend, int device, int threads) {
    NativeLibrary.require();
    int code =
        switch (backend) {
          case CPU -> IST_BACKEND_CPU;
          case CUDA -> IST_BACKEND_CUDA;
          case EMULATED -> IST_BACKEND_EMULATED;
        };
    ist_engine out = new ist_engine();
    try {
      NativeHandle.check(ist_engine_create(code, device, threads, out));
    } catch (EngineException e) {
      throw e.ofUser();
    }
    return new Engine(out);
  }

  /** Version of the native library. */
  public static String version() {
    NativeLibrary.require();
    return NativeHandle.text(ist_version());
  }

  /** Native objects created and not yet closed, in the process. */
  public static long liveHandles() {
    NativeLibrary.require();
    return ist_live_handles();
  }

  /** One line: device, instruction set, threads, library versions. */
  public String description() {
    return NativeHandle.text(ist_engine_description(pointer()));
  }

  /** Whether this device computes in {@code precision}. */
  public boolean supports(Precision precision) {
    return ist_engine_supports(pointer(), code(precision)) != 0;
  }

  @Override
  public void close() {
    handle.close();
  }

  ist_engine pointer() {
    return handle.pointer();
  }

  static int code(Precision precision) {
    return switch (precision) {
      case FP32 -> IST_FP32;
      case BF16 -> IST_BF16;
      case FP16 -> IST_FP16;
    };
  }
}
