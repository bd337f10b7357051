package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.engine.Engine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The doctor on devices other than the processor. */
class DoctorIT {
  private static Map<String, String> outcomes(Run run) {
    Map<String, String> outcomes = new TreeMap<>();
    for (JsonNode check : new JsonMapper().readTree(run.out()).get("checks")) {
      outcomes.put(check.get("name").asString(), check.get("outcome").asString());
    }
    return outcomes;
  }

  @Test
  void theEmulatedDeviceIsExaminedInFullAndAgreesWithTheProcessor() {
    Run run = Run.of("doctor", "--backend", "emulated", "--json");
    assertThat(run.status()).as(run.out()).isZero();
    assertThat(outcomes(run))
        .containsKeys("emulated", "bf16", "gradient", "same bits")
        .containsKeys(AgreementCheck.NETWORKS.toArray(String[]::new))
        .containsEntry("resnet8:width=4 convolutions", "ok")
        .containsEntry("densenet16-4-bc convolutions", "ok")
        .doesNotContainValue("failed");
    assertThat(Engine.liveHandles()).isZero();
  }

  @Test
  void withoutAGpuItSaysSoAndEndsWithUnavailable() {
    Assumptions.assumeFalse(Files.exists(Path.of("/dev/nvidiactl")));
    Run run = Run.of("doctor", "--backend", "cuda", "--json");
    assertThat(run.status()).isEqualTo(69);
    assertThat(outcomes(run))
        .containsEntry("cuda", "failed")
        .containsEntry("driver", "failed")
        .containsEntry("gradient", "ok")
        .doesNotContainKeys(AgreementCheck.NETWORKS.toArray(String[]::new));
    Run table = Run.of("doctor", "--backend", "cuda");
    assertThat(table.out().lines().filter(line -> line.startsWith("failed  cuda")).toList())
        .hasSize(1)
        .allMatch(line -> line.contains("use the backend cpu"));
  }

  @Test
  void anUnknownDeviceIsAMistake() {
    Run run = Run.of("doctor", "--backend", "gpu");
    assertThat(run.status()).isEqualTo(2);
    assertThat(run.err()).contains("cpu", "cuda", "emulated");
    assertThat(List.of(run.err().split("\n"))).hasSize(1);
  }
}
