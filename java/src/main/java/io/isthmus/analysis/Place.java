package io.isthmus.analysis;

/**
 * Where a point lies with respect to a plane.
 *
 * @param x coordinate in the plane, along its first axis
 * @param y coordinate in the plane, along its second axis
 * @param distance from the plane, at least 0; all three in units of distance of parameters
 */
public record Place(double x, double y, double distance) {}
