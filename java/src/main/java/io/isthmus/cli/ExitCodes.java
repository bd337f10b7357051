package io.isthmus.cli;

import io.isthmus.config.ExitCode;

/** What the exit codes mean, in the words of help and manual pages. */
final class ExitCodes {
  private ExitCodes() {}

  static String meaning(ExitCode code) {
    return switch (code) {
      case OK -> "Everything asked for was done.";
      case USAGE -> "The command line or the configuration is wrong.";
      case DATA -> "An input file is damaged, incomplete or of the wrong kind.";
      case UNAVAILABLE ->
          "A device, precision, library or enough memory is not here, or a device failed.";
      case INTERNAL -> "A bug of Isthmus.";
      case IO -> "Reading or writing failed.";
      case STOPPED -> "Stopped on request after a checkpoint; the same command goes on.";
      case DIVERGED -> "A loss became NaN or infinite.";
    };
  }
}
