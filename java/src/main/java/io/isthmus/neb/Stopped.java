package io.isthmus.neb;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;

/** A run was asked to stop and did so after a checkpoint. */
public final class Stopped extends IsthmusException {
  private static final long serialVersionUID = 1L;

  /** {@code what} was stopped, for instance {@code Path 0001-0002}. */
  public Stopped(String what) {
    super(
        ExitCode.STOPPED,
        what + " was stopped on request; the same command goes on from its checkpoint.");
  }
}
