package io.isthmus.report;

import io.isthmus.baseline.BaselineResult;

/** A pair of minima connected by other means than AutoNEB. */
public record Baseline(BaselineResult result) implements Finding {}
