package io.isthmus.config;

/** How a command ended, as the status of the process. Scripts may rely on these numbers. */
public enum ExitCode {
  /** Everything asked for was done. */
  OK(0),
  /** The command line or the configuration is wrong: correct it and start again. */
  USAGE(2),
  /** A data set, checkpoint or other input file is damaged, incomplete or of the wrong kind. */
  DATA(65),
  /** Something the command needs is not here: a device that works, a precision, enough memory. */
  UNAVAILABLE(69),
  /** A bug of Isthmus. */
  INTERNAL(70),
  /** Reading or writing failed: permissions, a full disk, a missing file. */
  IO(74),
  /** Stopped on request after a checkpoint; the same command goes on from there. */
  STOPPED(75),
  /** A loss became NaN or infinite. */
  DIVERGED(76);

  private final int status;

  ExitCode(int status) {
    this.status = status;
  }

  /** The process status, 0..255. */
  public int status() {
    return status;
  }
}
