package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.config.Precision;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Engine;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the doctor compares devices by: equal devices agree, and a difference is seen. */
class AgreementCheckIT {
  @Test
  void theSameEngineAgreesAndOneThatRoundsDoesNot() {
    try (Engine one = Engine.open(Backend.CPU, 0, 1);
        Engine two = Engine.open(Backend.CPU, 0, 2)) {
      for (String network : AgreementCheck.NETWORKS) {
        Map<String, float[]> exact = AgreementCheck.results(one, network, Precision.FP32);
        Map<String, float[]> again = AgreementCheck.results(two, network, Precision.FP32);
        assertThat(AgreementCheck.distances(again, exact))
            .as(network)
            .allSatisfy(AgreementCheckIT::isZero);
        if (one.supports(Precision.BF16) && !network.startsWith("mlp")) {
          Map<String, float[]> rounded = AgreementCheck.results(one, network, Precision.BF16);
          assertThat(AgreementCheck.distances(rounded, exact))
              .as(network)
              .allSatisfy((what, distance) -> assertThat(distance).isBetween(1e-6, 0.3));
        }
      }
    }
  }

  private static void isZero(String what, double distance) {
    assertThat(distance).as(what).isZero();
  }

  @Test
  void whatIsNoNumberIsInfinitelyFar() {
    assertThat(
            AgreementCheck.distances(
                Map.of("a", new float[] {3, 5}, "b", new float[] {Float.NaN, 1}),
                Map.of("a", new float[] {3, 4}, "b", new float[] {1, 1})))
        .containsOnly(Map.entry("a", 0.2), Map.entry("b", Double.POSITIVE_INFINITY));
  }
}
