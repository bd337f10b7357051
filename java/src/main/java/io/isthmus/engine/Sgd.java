package io.isthmus.engine;

/**
 * Stochastic gradient descent: {@code g = grad + weightDecay * p; v = momentum * v + g; p -=
 * learningRate * v}, or with Nesterov {@code p -= learningRate * (g + momentum * v)}.
 *
 * @param learningRate step size
 * @param momentum of the velocity v
 * @param weightDecay on every trainable parameter
 * @param nesterov look ahead along the velocity
 */
public record Sgd(float learningRate, float momentum, float weightDecay, boolean nesterov) {}
