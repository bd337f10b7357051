package io.isthmus.cli;

import io.isthmus.analysis.Place;
import io.isthmus.analysis.PlaneResult;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.Metrics;
import io.isthmus.experiment.PlaneRequest;
import io.isthmus.experiment.Summary;
import io.isthmus.neb.Pair;
import io.isthmus.report.Gallery;
import io.isthmus.report.Report;
import io.isthmus.report.Subject;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isthmus plane}: the loss on the plane through a path. */
@Command(
    name = "plane",
    description = {
      "Evaluate the loss on the plane through two minima and the mean of the path between them, and"
          + " draw it (figure 1 of the paper).",
      "",
      "The plane of a surface is the surface itself. The same command goes on after a stop; what is"
          + " there already is shown at once."
    })
final class PlaneVerb implements Callable<Integer> {
  private final Console console;

  @Parameters(index = "0", paramLabel = "DIR", description = "Run directory.")
  private Path folder;

  @Parameters(
      index = "1..*",
      arity = "0..2",
      paramLabel = "MINIMUM",
      description = "The two minima (default: those of the tree's highest saddle).")
  private List<Integer> minima = List.of();

  @Option(names = "--pair", paramLabel = "A-B", description = "The same in one word, such as 1-2.")
  private String pair;

  @Option(
      names = "--points",
      paramLabel = "N",
      description = "Points of the grid from left to right (default: 31; 101 for a surface).")
  private Integer points;

  @Option(
      names = "--margin",
      paramLabel = "SHARE",
      description = "Room around the path, as a share of its extent (default: 0.25).")
  private Double margin;

  @Option(
      names = "--images",
      paramLabel = "N",
      description =
          "Training images over which the loss is taken, and at most as many for batch-norm"
              + " statistics; 0: all (default: 2000).")
  private Integer images;

  PlaneVerb(Console console) {
    this.console = console;
  }

  private record Document(
      Path directory,
      String pair,
      Path file,
      int cycle,
      int columns,
      int rows,
      double step,
      double lowest,
      double highest,
      List<Place> pivots,
      Path figure) {}

  @Override
  public Integer call() {
    PlaneRequest request = new PlaneRequest(points, margin, images);
    Optional<Pair> asked = asked();
    try (RunDirectory run = RunDirectory.resume(folder)) {
      Pair chosen = new Subject(folder, Summary.of(run), asked).connection().pair();
      PlaneResult plane = Work.in(run, console, experiment -> experiment.plane(chosen, request));
      Subject subject = new Subject(folder, Summary.of(run), Optional.of(chosen));
      Report.FigureFiles files =
          Report.write(
              Gallery.draw("plane", List.of(subject)).figures().get(0), folder.resolve("figures"));
      answer(run, plane, files);
    }
    return 0;
  }

  private Optional<Pair> asked() {
    if (minima.isEmpty()) {
      return Optional.ofNullable(pair).map(ReportVerb::pair);
    }
    if (pair != null || minima.size() != 2) {
      throw new IsthmusException(
          ExitCode.USAGE, "give two minima, or one --pair, or nothing for the highest saddle");
    }
    return Optional.of(ReportVerb.pair(minima.get(0) + "-" + minima.get(1)));
  }

  private void answer(RunDirectory run, PlaneResult plane, Report.FigureFiles files) {
    double[] losses = plane.metrics().stream().mapToDouble(Metrics::loss).sorted().toArray();
    double farthest = plane.pivots().stream().mapToDouble(Place::distance).max().orElse(0);
    double lowest = losses[0];
    double highest = losses[losses.length - 1];
    Path file = run.plane(plane.pair());
    console.answer(
        new Document(
            run.folder(),
            plane.pair().toString(),
            file,
            plane.cycle(),
            plane.grid().columns(),
            plane.grid().rows(),
            plane.grid().step(),
            lowest,
            highest,
            plane.pivots(),
            files.svg()),
        () ->
            String.format(
                Locale.ROOT,
                "plane %d-%d: %d by %d points, loss from %.4g to %.4g; the path's pivots lie up to"
                    + " %.3g from it%nits numbers are in %s%nits picture is %s",
                plane.pair().first(),
                plane.pair().second(),
                plane.grid().columns(),
                plane.grid().rows(),
                lowest,
                highest,
                farthest,
                file,
                files.svg()));
  }
}
