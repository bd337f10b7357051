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
  void demonstrationNeedsNoDownload() {
    ExperimentConfig demo = load("demo");
    assertThat(demo.data().name()).isEqualTo("digits");
    assertThat(demo.training().minima()).isGreaterThanOrEqualTo(5);
  }
}
