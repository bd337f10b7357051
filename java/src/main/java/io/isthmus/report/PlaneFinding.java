package io.isthmus.report;

import io.isthmus.analysis.PlaneResult;

/**
 * The loss on the plane through a path of the run.
 *
 * @param plane complete
 */
public record PlaneFinding(PlaneResult plane) implements Finding {}
