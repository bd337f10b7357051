package io.isthmus.neb;

import io.isthmus.engine.Metrics;
import java.util.ArrayList;
import java.util.List;

/** Synthetic profiles. */
final class Profiles {
  private Profiles() {}

  /** A profile whose training loss, alike in both conventions, is {@code losses}. */
  static Profile of(int stride, double... losses) {
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < losses.length; i++) {
      Metrics metrics = new Metrics(losses[i], 0);
      samples.add(
          new Sample(
              (double) i / (losses.length - 1),
              i % stride == 0 ? i / stride : -1,
              metrics,
              metrics,
              metrics,
              metrics));
    }
    return new Profile(samples);
  }
}
