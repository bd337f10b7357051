package io.isthmus.engine;

/**
 * How a mini-batch is drawn. Every point walks its own stream: an endless sequence of epochs, each
 * a fresh permutation of the data set; step t takes the next {@code batch} positions of it.
 *
 * @param seed root of all draws
 * @param batch images per point and step, at least 1
 * @param cropPadding zero padding before a random crop of the original size; 0: no crop
 * @param flip mirror left-right with probability 1/2
 */
public record Sampling(long seed, int batch, int cropPadding, boolean flip) {}
