package io.isthmus.config;

/** Over which images the training loss of a point is taken. */
public enum TrainPass {
  /** The training set as it is. */
  CLEAN,
  /** One pass over the training set with random crops and flips. */
  AUGMENTED
}
