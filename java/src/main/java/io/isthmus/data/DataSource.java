package io.isthmus.data;

/**
 * A data set ready for the engine: a pixel becomes (value / 255 - mean[channel]) / std[channel].
 *
 * @param train images that are trained on
 * @param test images that are only evaluated
 * @param mean per channel, of the training images divided by 255; zeros when not normalised
 * @param std per channel, likewise and never 0; ones when not normalised
 */
public record DataSource(ImageSet train, ImageSet test, float[] mean, float[] std) {}
