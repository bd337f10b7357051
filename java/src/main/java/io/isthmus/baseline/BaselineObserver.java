package io.isthmus.baseline;

/** Follows a {@link BaselineSearch} and keeps it safe; called on its thread, between steps. */
public interface BaselineObserver {
  /** Steps have been taken: {@code done} so far, the last at this batch loss. */
  default void stepped(int done, float loss) {}

  /** {@code done} of {@code total} points of the profile have been evaluated. */
  default void evaluated(int done, int total) {}

  /** A checkpoint is due, or the search is about to stop. */
  default void checkpoint(BaselineState state) {}

  /** Asked between steps; true makes the search give a last checkpoint and stop. */
  default boolean stopRequested() {
    return false;
  }
}
