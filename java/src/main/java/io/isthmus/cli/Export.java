package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.neb.Sample;
import io.isthmus.store.FileSummary;
import io.isthmus.store.MinimumFile;
import io.isthmus.store.PathFile;
import io.isthmus.store.SafeTensors;
import io.isthmus.store.StateDict;
import io.isthmus.store.TrainingCurve;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isthmus export}: a stored point as a state dictionary for other programs. */
@Command(
    name = "export",
    description = {
      "Write a minimum, or one pivot of a path, as a state dictionary that PyTorch loads.",
      "",
      "The ending of the output decides the format: .safetensors or .h5 (HDF5)."
    })
final class Export implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "FILE", description = "minimum.h5, or cycle-NN.h5 of a path.")
  private Path file;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      required = true,
      description = "File to write; must not exist yet.")
  private Path output;

  @Option(names = "--pivot", paramLabel = "N", description = "Which pivot of a path, from 0.")
  private Integer pivot;

  Export(Console console) {
    this.console = console;
  }

  private record Document(Path file, String format, int tensors) {}

  @Override
  public Integer call() {
    boolean safetensors = output.toString().endsWith(".safetensors");
    if (!safetensors && !output.toString().endsWith(".h5")) {
      throw new IsthmusException(
          ExitCode.USAGE, output + " must end in .safetensors or .h5, which says the format");
    }
    if (Files.exists(output)) {
      throw new IsthmusException(
          ExitCode.USAGE, output + " exists already; choose another name or remove it");
    }
    MinimumFile point = point();
    if (safetensors) {
      SafeTensors.write(output, point);
    } else {
      point.write(output);
    }
    int tensors = point.state().tensors().size();
    console.answer(
        new Document(output, safetensors ? "safetensors" : "hdf5", tensors),
        () -> "%d tensors in %s".formatted(tensors, output));
    return 0;
  }

  private MinimumFile point() {
    String kind = FileSummary.of(file).kind();
    if (kind.equals("minimum")) {
      if (pivot != null) {
        throw new IsthmusException(
            ExitCode.USAGE, file + " is a minimum and has no pivots; leave --pivot out");
      }
      return MinimumFile.read(file);
    }
    if (!kind.equals("path")) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s is %s; only a minimum or a path can be exported"
              .formatted(file, kind.isEmpty() ? "no file of a run" : "a " + kind));
    }
    PathFile path = PathFile.read(file);
    int count = path.pivots().size();
    if (pivot == null || pivot < 0 || pivot >= count) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "%s is a path of %d pivots; say which with --pivot 0 to %d"
              .formatted(file, count, count - 1));
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
