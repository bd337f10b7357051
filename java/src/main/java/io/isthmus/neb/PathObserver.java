package io.isthmus.neb;

/**
 * Follows a path and keeps it safe. {@link AutoNeb} calls it between steps, on its own thread; what
 * it throws ends the run.
 */
public interface PathObserver {
  /**
   * Steps have been taken.
   *
   * @param cycle number of the cycle, from 1
   * @param done steps of the cycle that are done now
   * @param losses batch loss before each of the new steps, [steps][pivots]
   */
  default void stepped(int cycle, int done, float[][] losses) {}

  /**
   * Points of a profile have been evaluated.
   *
   * @param cycle whose path it is, 0 for the straight line
   * @param done points that are evaluated now
   * @param total points of the profile
   */
  default void evaluated(int cycle, int done, int total) {}

  /** The straight line is known; {@code state} is a checkpoint after it. */
  default void lineFinished(Profile line, PathState state) {}

  /** A cycle is finished; {@code state} is a checkpoint after it and holds its pivots. */
  default void cycleFinished(CycleResult result, PathState state) {}

  /** A checkpoint is due by steps or seconds, or before stopping: the state to be kept. */
  default void checkpoint(PathState state) {}

  /** Asked between steps; true makes the run give a last checkpoint and throw {@link Stopped}. */
  default boolean stopRequested() {
    return false;
  }
}
