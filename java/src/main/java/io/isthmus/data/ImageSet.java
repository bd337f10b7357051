package io.isthmus.data;

import java.util.Objects;

/**
 * Labelled images of one size.
 *
 * @param name of the set, for messages: "cifar10 training images"
 * @param count number of images n, at least 1
 * @param channels per image
 * @param height in pixels
 * @param width in pixels
 * @param classes number of labels; every label is in 0 .. classes - 1
 * @param images [n][channels][height][width], unsigned; shared, not copied: do not write to it
 * @param labels [n]; shared, not copied
 */
public record ImageSet(
    String name,
    int count,
    int channels,
    int height,
    int width,
    int classes,
    byte[] images,
    int[] labels) {

  /** Checks that shapes and labels agree. */
  public ImageSet {
    Objects.requireNonNull(name);
    if (count < 1 || channels < 1 || height < 1 || width < 1 || classes < 1) {
      throw new IllegalArgumentException(name + ": every dimension must be at least 1");
    }
    long pixels = (long) count * channels * height * width;
    if (images.length != pixels || labels.length != count) {
      throw new IllegalArgumentException(
          name
              + ": "
              + images.length
              + " pixels and "
              + labels.length
              + " labels, expected "
              + pixels
              + " and "
              + count);
    }
    for (int i = 0; i < count; i++) {
      if (labels[i] < 0 || labels[i] >= classes) {
        throw new IllegalArgumentException(
            name + ": label " + labels[i] + " of image " + i + " is not below " + classes);
      }
    }
  }

  /** Pixels of one image. */
  public int pixels() {
    return channels * height * width;
  }
}
