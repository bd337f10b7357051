package io.isthmus.data;

import java.util.Arrays;

/**
 * Mean and standard deviation of each channel, of pixels divided by 255. Counted exactly: a
 * histogram of 256 values per channel, then sums in double.
 */
record Normalisation(float[] mean, float[] std) {

  static Normalisation none(int channels) {
    float[] std = new float[channels];
    Arrays.fill(std, 1);
    return new Normalisation(new float[channels], std);
  }

  /** Of all images; the deviation of a channel of one value counts as 1. */
  static Normalisation of(ImageSet set) {
    float[] mean = new float[set.channels()];
    float[] std = new float[set.channels()];
    int plane = set.height() * set.width();
    for (int c = 0; c < set.channels(); c++) {
      long[] histogram = new long[256];
      for (int n = 0; n < set.count(); n++) {
        int from = n * set.pixels() + c * plane;
        for (int p = from; p < from + plane; p++) {
          histogram[Byte.toUnsignedInt(set.images()[p])]++;
        }
      }
      double count = (double) set.count() * plane;
      double sum = 0;
      for (int v = 0; v < 256; v++) {
        sum += (double) v * histogram[v];
      }
      double centre = sum / count;
      double squares = 0;
      for (int v = 0; v < 256; v++) {
        squares += (v - centre) * (v - centre) * histogram[v];
      }
      mean[c] = (float) (centre / 255);
      std[c] = squares == 0 ? 1 : (float) (Math.sqrt(squares / count) / 255);
    }
    return new Normalisation(mean, std);
  }
}
