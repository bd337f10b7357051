package io.isthmus.config;

import static io.isthmus.config.InvalidSetting.atLeast;
import static io.isthmus.config.InvalidSetting.present;
import static io.isthmus.config.InvalidSetting.require;

/**
 * Which images, and how they are prepared.
 *
 * @param name digits, cifar10, cifar100, mnist, fashion-mnist, xor, file (the user's own, see
 *     {@code file}) or none (analytic surfaces)
 * @param folder where the files of a named data set lie; null: the usual place
 * @param file the HDF5 file of {@code name: file}; null otherwise
 * @param normalise subtract the training set's mean per channel and divide by its standard
 *     deviation
 * @param cropPadding zero pixels put around a training image before a random crop of its original
 *     size; 0: no crop
 * @param flip mirror training images left-right with probability 1/2
 * @param trainLimit use only the first so many training images; 0: all
 * @param testLimit use only the first so many test images; 0: all
 */
public record DataConfig(
    String name,
    String folder,
    String file,
    boolean normalise,
    int cropPadding,
    boolean flip,
    int trainLimit,
    int testLimit) {

  /** Checks each value and that they go together. */
  public DataConfig {
    present(name, "data.name");
    atLeast(0, cropPadding, "data.crop_padding");
    require(cropPadding <= 64, "data.crop_padding", "must be at most 64, but is " + cropPadding);
    atLeast(0, trainLimit, "data.train_limit");
    atLeast(0, testLimit, "data.test_limit");
    require(
        !name.equals("file") || file != null,
        "data.file",
        "is missing: name: file needs the path of an HDF5 file of images");
    require(
        name.equals("file") || file == null,
        "data.file",
        "goes with name: file only, but the name is " + name);
    require(
        folder == null || !(name.equals("file") || name.equals("xor") || name.equals("none")),
        "data.folder",
        "has no meaning for name: " + name + "; remove it");
    boolean images = !(name.equals("xor") || name.equals("none"));
    require(
        images || cropPadding == 0, "data.crop_padding", "is for images; use 0 with name: " + name);
    require(images || !flip, "data.flip", "is for images; use false with name: " + name);
  }
}
