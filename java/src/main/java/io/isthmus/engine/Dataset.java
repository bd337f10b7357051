package io.isthmus.engine;

import static io.isthmus.engine.c.IsthmusApi.ist_dataset_create;

import io.isthmus.data.ImageSet;
import io.isthmus.engine.c.IsthmusApi;
import io.isthmus.engine.c.ist_dataset;

/** Images and labels on the device. */
public final class Dataset implements AutoCloseable {
  private final NativeHandle<ist_dataset> handle;
  private final int count;
  private final int classes;

  private Dataset(ist_dataset pointer, int count, int classes) {
    handle = new NativeHandle<>("Dataset", pointer, IsthmusApi::ist_dataset_destroy);
    this.count = count;
    this.classes = classes;
  }

  /**
   * Copies a set of images to the device; a pixel becomes {@code (value / 255 - mean[channel]) /
   * std[channel]}.
   *
   * @param mean {@code [channels]}
   * @param std {@code [channels]}, never 0
   * @throws EngineException if a label or a length is out of range, or memory is short
   */
  public static Dataset create(Engine engine, ImageSet set, float[] mean, float[] std) {
    Lengths.check("mean", mean.length, set.channels());
    Lengths.check("std", std.length, set.channels());
    ist_dataset out = new ist_dataset();
    NativeHandle.check(
        ist_dataset_create(
            engine.pointer(),
            set.images(),
            set.labels(),
            set.count(),
            set.channels(),
            set.height(),
            set.width(),
            set.classes(),
            mean,
            std,
            out));
    return new Dataset(out, set.count(), set.classes());
  }

  /** Number of images. */
  public int count() {
    return count;
  }

  /** Number of classes. */
  public int classes() {
    return classes;
  }

  @Override
  public void close() {
    handle.close();
  }

  ist_dataset pointer() {
    return handle.pointer();
  }
}
