package io.isthmus.neb;

import io.isthmus.engine.Metrics;
import java.nio.FloatBuffer;

/**
 * A trained minimum.
 *
 * @param minimum its number
 * @param values parameters and statistics, a direct buffer
 * @param batchLosses batch loss before every step
 * @param train metrics on the training images of evaluation, with the statistics of training
 * @param test metrics on the test images, likewise
 */
public record MinimumResult(
    int minimum, FloatBuffer values, float[] batchLosses, Metrics train, Metrics test) {}
