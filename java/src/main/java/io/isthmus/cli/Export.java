package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.experiment.Summary;
import io.isthmus.neb.Sample;
import io.isthmus.report.LandscapeGraph;
import io.isthmus.report.RunSummary;
import io.isthmus.store.FileSummary;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.PathFile;
import io.isthmus.store.RunDirectory;
import io.isthmus.store.SafeTensors;
import io.isthmus.store.StackedPath;
import io.isthmus.store.StateDict;
import io.isthmus.store.TrainingCurve;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isthmus export}: stored points, paths and the graph of a run for other programs. */
@Command(
    name = "export",
    description = {
      "Write a minimum, a path, or one pivot of a path as a state dictionary that PyTorch loads, or"
          + " the graph of a run.",
      "",
      "The ending of the output decides the format: .safetensors or .h5 (HDF5) for points, .graphml"
          + " or .dot for a run's graph of minima and paths. A path becomes one state dictionary"
          + " whose tensors have the pivots as their first axis."
    })
final class Export implements Callable<Integer> {
  private final Console console;

  @Parameters(
      paramLabel = "FILE|DIR",
      description = "minimum.h5, or cycle-NN.h5 of a path; or a run directory, for its graph.")
  private Path source;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      required = true,
      description = "File to write; must not exist yet.")
  private Path output;

  @Option(
      names = "--pivot",
      paramLabel = "N",
      description = "Only this pivot of a path, from 0 at its start.")
  private Integer pivot;

  Export(Console console) {
    this.console = console;
  }

  /** What an output file may be, by its ending. */
  private enum Format {
    SAFETENSORS(".safetensors", false),
    HDF5(".h5", false),
    GRAPHML(".graphml", true),
    DOT(".dot", true);

    private final String ending;
    private final boolean graph;

    Format(String ending, boolean graph) {
      this.ending = ending;
      this.graph = graph;
    }

    static String endings(boolean graph) {
      return Arrays.stream(values())
          .filter(format -> format.graph == graph)
          .map(format -> format.ending)
          .collect(Collectors.joining(" or "));
    }
  }

  private record Points(Path file, String format, int tensors, int points) {}

  private record Graph(Path file, String format, int minima, int paths) {}

  @Override
  public Integer call() {
    boolean run = Files.isDirectory(source);
    Format format =
        Arrays.stream(Format.values())
            .filter(f -> output.toString().endsWith(f.ending) && f.graph == run)
            .findFirst()
            .orElseThrow(
                () ->
                    new IsthmusException(
                        ExitCode.USAGE,
                        "%s must end in %s, which says the format, as %s is %s"
                            .formatted(
                                output,
                                Format.endings(run),
                                source,
                                run ? "a run" : "a file of points")));
    if (Files.exists(output)) {
      throw new IsthmusException(
          ExitCode.USAGE, output + " exists already; choose another name or remove it");
    }
    if (run) {
      graph(format);
    } else {
      points(format);
    }
    return 0;
  }

  private void graph(Format format) {
    if (pivot != null) {
      throw new IsthmusException(
          ExitCode.USAGE, source + " is a run and has no pivots; leave --pivot out");
    }
    RunSummary summary = Summary.of(RunDirectory.view(source));
    LandscapeGraph.write(summary, output);
    int minima = summary.minima().size();
    int paths = summary.connections().size();
    console.answer(
        new Graph(output, format.ending.substring(1), minima, paths),
        () -> "%d minima and %d paths in %s".formatted(minima, paths, output));
  }

  private void points(Format format) {
    String kind = FileSummary.of(source).kind();
    switch (kind) {
      case "minimum" -> {
        if (pivot != null) {
          throw new IsthmusException(
              ExitCode.USAGE, source + " is a minimum and has no pivots; leave --pivot out");
        }
        point(format, MinimumFile.read(source));
      }
      case "path" -> {
        PathFile path = PathFile.read(source);
        if (pivot == null) {
          path(format, StackedPath.of(path));
        } else {
          point(format, pivot(path));
        }
      }
      default ->
          throw new IsthmusException(
              ExitCode.DATA,
              "%s is %s; only a minimum or a path can be exported"
                  .formatted(source, kind.isEmpty() ? "no file of a run" : "a " + kind));
    }
  }

  private void point(Format format, MinimumFile point) {
    if (format == Format.SAFETENSORS) {
      SafeTensors.write(output, point);
    } else {
      point.write(output);
    }
    int tensors = point.state().tensors().size();
    console.answer(
        new Points(output, word(format), tensors, 1),
        () -> "%d tensors in %s".formatted(tensors, output));
  }

  private void path(Format format, StackedPath path) {
    if (format == Format.SAFETENSORS) {
      SafeTensors.write(output, path);
    } else {
      path.write(output);
    }
    int tensors = path.tensors().size();
    int pivots = path.pivots().size();
    console.answer(
        new Points(output, word(format), tensors, pivots),
        () -> "%d tensors of %d pivots in %s".formatted(tensors, pivots, output));
  }

  private static String word(Format format) {
    return format == Format.SAFETENSORS ? "safetensors" : "hdf5";
  }

  private MinimumFile pivot(PathFile path) {
    int count = path.pivots().size();
    if (pivot < 0 || pivot >= count) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s is a path of %d pivots; say which with --pivot 0 to %d"
              .formatted(source, count, count - 1));
    }
    Sample sample =
        path.result().profile().samples().stream()
            .filter(s -> s.pivot() == pivot)
            .findFirst()
            .orElseThrow();
    return new MinimumFile(
        path.origin(),
        Math.max(1, pivot),
        0,
        sample.trainInterpolated(),
        sample.testInterpolated(),
        null,
        TrainingCurve.empty(),
        new StateDict(path.tensors(), path.pivots().get(pivot)));
  }
}
