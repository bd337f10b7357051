package io.isthmus.config;

/**
 * One run of NEB inside AutoNEB; its momentum starts at zero.
 *
 * @param steps optimiser steps of the whole path
 * @param learningRate of these steps
 * @param insert pivots may be inserted before this cycle, where the profile of the previous one
 *     asks for them; without meaning in the first
 * @param climbing the highest pivot climbs to the saddle
 */
public record CycleConfig(int steps, float learningRate, boolean insert, boolean climbing) {}
