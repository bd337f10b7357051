package io.isthmus.config;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The data sets with a name: their shapes, which defaults and plans need before anything is read.
 */
public enum NamedData {
  /** 8x8 digits that come with Isthmus. */
  DIGITS("digits", 1438, 359, 1, 8, 8, 10),
  /** Krizhevsky 2009. */
  CIFAR10("cifar10", 50_000, 10_000, 3, 32, 32, 10),
  /** Krizhevsky 2009, fine labels. */
  CIFAR100("cifar100", 50_000, 10_000, 3, 32, 32, 100),
  /** LeCun, Cortes and Burges 1998. */
  MNIST("mnist", 60_000, 10_000, 1, 28, 28, 10),
  /** Xiao, Rasul and Vollgraf 2017. */
  FASHION_MNIST("fashion-mnist", 60_000, 10_000, 1, 28, 28, 10),
  /** The four points of the exclusive or: two channels of one pixel. */
  XOR("xor", 4, 4, 2, 1, 1, 2);

  private final String key;
  private final int trainCount;
  private final int testCount;
  private final int channels;
  private final int height;
  private final int width;
  private final int classes;

  NamedData(
      String key, int trainCount, int testCount, int channels, int height, int width, int classes) {
    this.key = key;
    this.trainCount = trainCount;
    this.testCount = testCount;
    this.channels = channels;
    this.height = height;
    this.width = width;
    this.classes = classes;
  }

  /** The set with a name of the configuration. */
  public static Optional<NamedData> of(String name) {
    return Arrays.stream(values()).filter(set -> set.key.equals(name)).findFirst();
  }

  /** All names, in the order of this enum. */
  public static List<String> names() {
    return Arrays.stream(values()).map(NamedData::key).toList();
  }

  /** The name in the configuration. */
  public String key() {
    return key;
  }

  /** Training images. */
  public int trainCount() {
    return trainCount;
  }

  /** Test images. */
  public int testCount() {
    return testCount;
  }

  /** Channels of an image. */
  public int channels() {
    return channels;
  }

  /** Height of an image in pixels. */
  public int height() {
    return height;
  }

  /** Width of an image in pixels. */
  public int width() {
    return width;
  }

  /** Number of labels. */
  public int classes() {
    return classes;
  }

  /** Natural photographs, which are trained on with random crops and flips. */
  boolean augmented() {
    return this == CIFAR10 || this == CIFAR100;
  }
}
