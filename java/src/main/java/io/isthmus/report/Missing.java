package io.isthmus.report;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;

/** A run does not hold what a figure shows; the message names the command that makes it. */
public final class Missing extends IsthmusException {
  private static final long serialVersionUID = 1L;

  Missing(String sentence) {
    super(ExitCode.DATA, sentence);
  }
}
