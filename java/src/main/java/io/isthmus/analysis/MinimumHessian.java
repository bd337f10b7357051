package io.isthmus.analysis;

/**
 * The Hessian at a minimum.
 *
 * @param minimum its number
 * @param settings how it was taken
 * @param spectrum both ends
 */
public record MinimumHessian(int minimum, HessianSettings settings, Spectrum spectrum) {}
