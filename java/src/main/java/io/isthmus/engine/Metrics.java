package io.isthmus.engine;

/**
 * What one point is worth on one set of images, in inference mode over the whole set.
 *
 * @param loss mean cross-entropy in nats; the energy of a surface
 * @param error share of wrongly classified images, a fraction of one; 0 for a surface
 */
public record Metrics(double loss, double error) {}
