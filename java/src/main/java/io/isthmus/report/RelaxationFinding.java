package io.isthmus.report;

import io.isthmus.analysis.Relaxation;

/**
 * How a path on a two-dimensional surface relaxed.
 *
 * @param relaxation the path at some iterations
 */
public record RelaxationFinding(Relaxation relaxation) implements Finding {}
