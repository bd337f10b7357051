package io.isthmus.analysis;

/**
 * How a plane is looked at.
 *
 * @param points columns of its grid
 * @param margin room around the path, as a share of its extent in the plane
 * @param images training images over which the loss is taken; 0: all
 * @param batches training batches over which batch-norm statistics are recomputed
 */
public record PlaneSettings(int points, double margin, int images, int batches) {}
