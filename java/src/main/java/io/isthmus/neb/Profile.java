package io.isthmus.neb;

import io.isthmus.config.StatisticsConvention;
import java.util.List;

/**
 * Metrics along a path: at every pivot, and at the same number of points, equally spaced, between
 * each two.
 *
 * @param samples from the path's start to its end; the first and the last are pivots
 */
public record Profile(List<Sample> samples) {
  public Profile {
    samples = List.copyOf(samples);
    int gaps = (int) samples.stream().filter(Sample::isPivot).count() - 1;
    if (gaps < 1 || (samples.size() - 1) % gaps != 0) {
      throw new IllegalArgumentException(
          "A profile needs two pivots and as many samples in each gap, got %d samples, %d pivots"
              .formatted(samples.size(), gaps + 1));
    }
    int stride = (samples.size() - 1) / gaps;
    for (int i = 0; i < samples.size(); i++) {
      if (samples.get(i).pivot() != (i % stride == 0 ? i / stride : -1)) {
        throw new IllegalArgumentException(
            "Sample %d of a profile is out of order: pivot %d"
                .formatted(i, samples.get(i).pivot()));
      }
    }
  }

  public int size() {
    return samples.size();
  }

  /** Number of stretches between neighbouring pivots. */
  public int gaps() {
    return (int) samples.stream().filter(Sample::isPivot).count() - 1;
  }

  /** Number of samples from one pivot to the next, counting one of the two. */
  public int stride() {
    return (size() - 1) / gaps();
  }

  /** Training loss of every sample. */
  public double[] trainLosses(StatisticsConvention convention) {
    return samples.stream().mapToDouble(sample -> sample.train(convention).loss()).toArray();
  }

  /** Position of every sample, 0..1. */
  public double[] positions() {
    return samples.stream().mapToDouble(Sample::position).toArray();
  }
}
