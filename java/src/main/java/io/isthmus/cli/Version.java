package io.isthmus.cli;

import io.isthmus.experiment.Release;
import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    return new String[] {"isthmus " + Release.version()};
  }
}
