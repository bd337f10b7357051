package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Parameter vectors as direct buffers. */
final class Values {
  private Values() {}

  /** Zeros. */
  static FloatBuffer allocate(long size) {
    return ByteBuffer.allocateDirect(Math.toIntExact(Math.multiplyExact(size, Float.BYTES)))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /** Index of the first value that is NaN or infinite, or -1. */
  static int firstNotFinite(FloatBuffer values) {
    for (int i = values.position(); i < values.limit(); i++) {
      if (!Float.isFinite(values.get(i))) {
        return i;
      }
    }
    return -1;
  }

  /** Nothing that diverged is ever stored. */
  static void requireFinite(FloatBuffer values, String what) {
    int bad = firstNotFinite(values);
    if (bad >= 0) {
      throw new IsthmusException(
          ExitCode.DIVERGED,
          "%s was not saved: its value %d is %s; lower the learning rate and run again."
              .formatted(what, bad, values.get(bad)));
    }
  }
}
