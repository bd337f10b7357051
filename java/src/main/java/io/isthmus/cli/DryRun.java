package io.isthmus.cli;

import io.isthmus.config.Config;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.Plan;
import io.isthmus.data.DataSets;
import io.isthmus.experiment.Rehearsal;
import java.nio.file.Path;
import java.util.Locale;

/** What {@code isthmus run --dry-run} prints: the plan of a run and its cost on this machine. */
final class DryRun {
  private DryRun() {}

  private record Document(Path directory, ExperimentConfig configuration, Rehearsal cost) {}

  static int of(RunArguments arguments, Console console) {
    ExperimentConfig config = arguments.config(console);
    Path folder = arguments.folder();
    Rehearsal rehearsal = Rehearsal.of(config);
    if (!rehearsal.imagesPresent()) {
      String name = config.data().name();
      console.note(
          "the images of %s are not in %s; random ones of their shape stand in for them here ('isthmus data where %s' says where they come from)"
              .formatted(name, DataSets.folder(name, config.data().folder()), name));
    }
    console.answer(new Document(folder, config, rehearsal), () -> text(config, folder, rehearsal));
    return 0;
  }

  private static String text(ExperimentConfig config, Path folder, Rehearsal rehearsal) {
    Plan plan = rehearsal.plan();
    return String.join(
        System.lineSeparator(),
        Config.toYaml(config).strip(),
        "",
        "This run would work in " + folder + ":",
        "  network     %s parameters, %s batch-norm statistics"
            .formatted(rehearsal.work().parameters(), rehearsal.work().statistics()),
        "  training    %d minima, %s mini-batch gradients"
            .formatted(config.training().minima(), Sizes.count(plan.trainingGradients())),
        "  pairs       %s, with %s mini-batch gradients"
            .formatted(range(plan.pairs()), range(plan.pathGradients())),
        "  evaluation  %s images".formatted(range(plan.forwardImages())),
        "  memory      %s for points and images, and activations on top"
            .formatted(Sizes.bytes(plan.memoryBytes())),
        "  time        %s, at the speed measured here just now (%s)"
            .formatted(hours(rehearsal), rehearsal.engine()));
  }

  private static String range(Plan.Range range) {
    String low = Sizes.count(range.low());
    String high = Sizes.count(range.high());
    return low.equals(high) ? low : low + " to " + high;
  }

  private static String hours(Rehearsal rehearsal) {
    String low = ProgressLine.duration(rehearsal.seconds().low());
    String high = ProgressLine.duration(rehearsal.seconds().high());
    return String.format(Locale.ROOT, low.equals(high) ? "about %s" : "about %s to %s", low, high);
  }
}
