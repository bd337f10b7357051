package io.isthmus.data;

import io.isthmus.config.NamedData;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.GZIPInputStream;

/** The data sets that come with Isthmus: the digits (see digits.txt) and the exclusive or. */
final class BundledSets {
  private static final int TEST_EVERY = 5;
  private static final int LARGEST = 16;

  private BundledSets() {}

  /**
   * The digits, every fifth a test image; they stand in the order of their writers, so both parts
   * have the same writers.
   */
  static ImageSet digits(boolean test) {
    NamedData set = NamedData.DIGITS;
    int count = test ? set.testCount() : set.trainCount();
    int pixels = set.height() * set.width();
    byte[] images = new byte[count * pixels];
    int[] labels = new int[count];
    List<String> lines = lines("digits.csv.gz");
    int at = 0;
    for (int i = 0; i < lines.size(); i++) {
      if ((i % TEST_EVERY == TEST_EVERY - 1) != test) {
        continue;
      }
      String[] values = lines.get(i).split(",");
      for (int p = 0; p < pixels; p++) {
        images[at * pixels + p] = (byte) Math.round(Integer.parseInt(values[p]) * 255f / LARGEST);
      }
      labels[at++] = Integer.parseInt(values[pixels]);
    }
    return new ImageSet(
        "digits " + (test ? "test" : "train"),
        count,
        1,
        set.height(),
        set.width(),
        set.classes(),
        images,
        labels);
  }

  /**
   * The corners of the square and whether their coordinates differ; normalised they are -1 and 1.
   */
  static ImageSet xor() {
    byte one = (byte) 255;
    byte[] images = {0, 0, 0, one, one, 0, one, one};
    return new ImageSet("xor", 4, 2, 1, 1, 2, images, new int[] {0, 1, 1, 0});
  }

  private static List<String> lines(String resource) {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(BundledSets.class.getResourceAsStream(resource)),
                StandardCharsets.US_ASCII))) {
      return reader.lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
