package io.isthmus.engine;

import static io.isthmus.engine.c.IsthmusApi.IST_DEVICE_ERROR;
import static io.isthmus.engine.c.IsthmusApi.IST_INVALID_ARGUMENT;
import static io.isthmus.engine.c.IsthmusApi.IST_OK;
import static io.isthmus.engine.c.IsthmusApi.IST_OUT_OF_MEMORY;
import static io.isthmus.engine.c.IsthmusApi.IST_UNSUPPORTED;
import static io.isthmus.engine.c.IsthmusApi.ist_last_error;

import io.isthmus.engine.EngineException.Status;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** Owns one native object: frees it exactly once, and refuses to hand it out afterwards. */
final class NativeHandle<P extends Pointer> implements AutoCloseable {
  private final String name;
  private final AtomicReference<P> pointer;
  private final Consumer<P> destroy;

  /**
   * @param name what messages call the object
   * @param pointer the native object
   * @param destroy its {@code ist_*_destroy}
   */
  NativeHandle(String name, P pointer, Consumer<P> destroy) {
    this.name = name;
    this.pointer = new AtomicReference<>(pointer);
    this.destroy = destroy;
  }

  /** The native object; throws {@link IllegalStateException} once closed. */
  P pointer() {
    P p = pointer.get();
    if (p == null) {
      throw new IllegalStateException(name + " is closed");
    }
    return p;
  }

  @Override
  public void close() {
    P p = pointer.getAndSet(null);
    if (p != null) {
      destroy.accept(p);
    }
  }

  /** Turns a status other than {@code IST_OK} into an exception with the engine's own sentence. */
  static void check(int status) {
    if (status != IST_OK) {
      throw new EngineException(reason(status), text(ist_last_error()), null);
    }
  }

  /** A C string of the engine, copied. */
  static String text(BytePointer string) {
    return string.getString(StandardCharsets.UTF_8);
  }

  private static Status reason(int status) {
    return switch (status) {
      case IST_INVALID_ARGUMENT -> Status.INVALID_ARGUMENT;
      case IST_OUT_OF_MEMORY -> Status.OUT_OF_MEMORY;
      case IST_UNSUPPORTED -> Status.UNSUPPORTED;
      case IST_DEVICE_ERROR -> Status.DEVICE_ERROR;
      default -> Status.INTERNAL;
    };
  }
}
