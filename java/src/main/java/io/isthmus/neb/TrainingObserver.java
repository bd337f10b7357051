package io.isthmus.neb;

import java.util.List;

/** Follows the training of minima and keeps it safe; called between steps, on the same thread. */
public interface TrainingObserver {
  /**
   * Steps have been taken.
   *
   * @param minima numbers of those that took them
   * @param done steps each of them has done now
   * @param losses batch loss before each of the new steps, [steps][minima]
   */
  default void stepped(List<Integer> minima, long done, float[][] losses) {}

  /** A checkpoint is due by steps or seconds, or before stopping: the states to be kept. */
  default void checkpoint(List<TrainingState> states) {}

  /** A minimum is trained and evaluated. */
  default void finished(MinimumResult result) {}

  /** Asked between steps; true makes the run give a last checkpoint and throw {@link Stopped}. */
  default boolean stopRequested() {
    return false;
  }
}
