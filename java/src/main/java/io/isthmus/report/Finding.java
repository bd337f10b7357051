package io.isthmus.report;

/**
 * A result of a run beyond its minima and paths, which some figure shows: a learning curve, a
 * plane, a spectrum. Each kind is a record of pure numbers in this package; the experiment's
 * summary gathers what the run directory holds of it, and {@link RunSummary#findings(Class)} gives
 * it to its figure.
 */
public interface Finding {}
