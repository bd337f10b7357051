package io.isthmus.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The configurations that come along. */
class BuiltinConfigsTest {
  private static ExperimentConfig load(String name) {
    return Config.load(List.of(Path.of(name)), List.of());
  }

  @Test
  void eachLoadsAndSaysWhatItIs() {
    for (String name : BuiltinConfigs.names()) {
      assertThat(load(name)).isNotNull();
      assertThat(BuiltinConfigs.text(name).orElseThrow()).startsWith("# ");
      assertThat(BuiltinConfigs.description(name)).endsWith(".").doesNotStartWith("#");
    }
    assertThat(BuiltinConfigs.text("schema")).isEmpty();
  }

  @Test
  void rowsOfTheTableAreThePapersSettings() {
    List<String> rows =
        BuiltinConfigs.names().stream().filter(name -> name.matches("cifar.*(\\d|bc)")).toList();
    assertThat(rows).hasSize(10);
    for (String name : rows) {
      ExperimentConfig c = load(name);
      assertThat(c.exploration().preset()).isEqualTo(Preset.PAPER);
      assertThat(name).startsWith(c.data().name() + "-");
      boolean dense = c.model().family() == ModelConfig.Family.DENSENET;
      assertThat(c.training().minima()).isEqualTo(dense ? 4 : 10);
      assertThat(c.exploration().cycles().stream().mapToInt(CycleConfig::steps).sum())
          .isEqualTo(16_000);
    }
  }

  @Test
  void everyRowHasASiblingForProcessorsThatCostsLessAndSaysWhatItReduces() {
    Plan.Workload work = new Plan.Workload(272_474, 1_568, 81_600_000, 50_000, 10_000, 3072);
    List<String> siblings =
        BuiltinConfigs.names().stream().filter(n -> BuiltinConfigs.row(n).isPresent()).toList();
    assertThat(siblings).hasSize(10);
    for (String name : siblings) {
      String row = BuiltinConfigs.row(name).orElseThrow();
      ExperimentConfig full = load(row);
      ExperimentConfig reduced = load(name);
      assertThat(reduced.data()).as(name).isEqualTo(full.data());
      assertThat(reduced.model()).as(name).isEqualTo(full.model());
      Plan whole = Plan.of(full, work);
      Plan part = Plan.of(reduced, work);
      assertThat(part.trainingGradients()).as(name).isLessThan(whole.trainingGradients() / 10);
      assertThat(part.pathGradients().high()).as(name).isLessThan(whole.pathGradients().low() / 10);
      assertThat(part.forwardImages().high()).as(name).isLessThan(whole.forwardImages().low() / 5);
      String comment = BuiltinConfigs.text(name).orElseThrow().replaceAll("\n# ?", " ");
      assertThat(comment)
          .contains("Differs from " + row + " in: " + reduced.training().minima() + " minima")
          .contains(String.format("%,d training steps", reduced.training().steps()))
          .contains(reduced.exploration().cycles().size() + " cycles with");
      int steps = reduced.exploration().cycles().stream().mapToInt(CycleConfig::steps).sum();
      assertThat(comment).contains(String.format("with %,d steps in all", steps));
    }
    assertThat(BuiltinConfigs.row("cifar10-resnet8-cpu")).isEmpty();
    assertThat(BuiltinConfigs.row("cifar10-resnet20")).isEmpty();
  }

  @Test
  void demonstrationNeedsNoDownload() {
    ExperimentConfig demo = load("demo");
    assertThat(demo.data().name()).isEqualTo("digits");
    assertThat(demo.training().minima()).isGreaterThanOrEqualTo(5);
  }
}
