package io.isthmus.report;

import io.isthmus.analysis.PlaneResult;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.landscape.Minimum;
import io.isthmus.neb.Pair;
import io.isthmus.report.RunSummary.Connection;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A run that a figure is asked of.
 *
 * @param folder its directory, for the commands that messages name
 * @param run what is known of it
 * @param pair the pair that was asked for; empty for the figure's own choice
 */
public record Subject(Path folder, RunSummary run, Optional<Pair> pair) {

  /**
   * The connection that a figure of one pair shows: that of the pair asked for, else that of the
   * tree's highest saddle, else the first that was begun.
   *
   * @throws IsthmusException USAGE if a minimum of the pair asked for is not in the run
   * @throws Missing if nothing is known between the two minima, or between any
   */
  public Connection connection() {
    if (pair.isEmpty()) {
      return run.highest()
          .or(() -> run.connections().stream().findFirst())
          .orElseThrow(
              () ->
                  new Missing(
                      "%s has no path yet; 'isthmus explore %s' makes them."
                          .formatted(folder, folder)));
    }
    Pair asked = pair.get();
    requireMinimum(asked.first());
    requireMinimum(asked.second());
    return run.connection(asked)
        .orElseThrow(
            () ->
                new Missing(
                    "Nothing is known between minima %d and %d of %s; 'isthmus connect %s %d %d' finds their path."
                        .formatted(
                            asked.first(),
                            asked.second(),
                            folder,
                            folder,
                            asked.first(),
                            asked.second())));
  }

  /** The plane through the path of {@link #connection}, if it is that of the cycle that counts. */
  public Optional<PlaneResult> plane() {
    Connection connection = connection();
    return run.path(connection)
        .flatMap(
            path ->
                run.findings(PlaneFinding.class).stream()
                    .map(PlaneFinding::plane)
                    .filter(
                        plane ->
                            plane.pair().equals(connection.pair())
                                && plane.cycle() == path.cycle()
                                && plane.pivots().size() == path.profile().gaps() + 1)
                    .findFirst());
  }

  private void requireMinimum(int number) {
    List<Integer> numbers =
        run.minima().stream().map(Minimum::number).sorted(Comparator.naturalOrder()).toList();
    if (!numbers.contains(number)) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s has no minimum %d; there are %s."
              .formatted(
                  folder,
                  number,
                  numbers.isEmpty()
                      ? "none yet"
                      : numbers.stream().map(String::valueOf).collect(Collectors.joining(", "))));
    }
  }
}
