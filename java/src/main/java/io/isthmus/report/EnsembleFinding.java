package io.isthmus.report;

import io.isthmus.analysis.EnsembleResult;

/**
 * Ensembles along one path of a run.
 *
 * @param result how good they are
 */
public record EnsembleFinding(EnsembleResult result) implements Finding {}
