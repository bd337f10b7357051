package io.isthmus.engine;

import io.isthmus.config.Geometry;
import io.isthmus.config.Tangent;

/**
 * One step of the nudged elastic band or of the string method.
 *
 * @param sgd the optimiser of the pivots
 * @param tangent of the path at a pivot
 * @param geometry coordinates of distances and projections
 * @param spring {@link Float#POSITIVE_INFINITY}: string method, respacing at every step, no
 *     springs; finite k at least 0: classic NEB
 * @param climbing the highest inner pivot climbs (Henkelman, Uberuaga and Jonsson 2000) and is not
 *     respaced
 */
public record Neb(Sgd sgd, Tangent tangent, Geometry geometry, float spring, boolean climbing) {}
