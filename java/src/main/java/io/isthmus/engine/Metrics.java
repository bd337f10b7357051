package io.isthmus.engine;

/**
 * What one point is worth on one set of images, in inference mode over the whole set.
 *
 * @param loss mean cross-entropy, or the height of a surface
 * @param error share of wrongly classified images, a fraction of one; NaN for a surface
 */
public record Metrics(double loss, double error) {}
