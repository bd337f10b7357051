package io.isthmus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Numbers on the way. */
class RunLogTest {
  @TempDir Path folder;

  @Test
  void writesTheSameRowsToBothFilesAtOnce() {
    RunLog log = RunLog.open(folder, "metrics");
    assertThat(folder).isEmptyDirectory();
    log.add("minimum", "0001", "train_loss", 0.0162);
    log.add("cycle", "0001-0002/03", "saddle", Double.NaN);
    assertThat(folder.resolve("metrics.csv"))
        .hasContent(
            "kind,id,name,value\nminimum,0001,train_loss,0.0162\ncycle,0001-0002/03,saddle,NaN\n");
    assertThat(folder.resolve("metrics.jsonl"))
        .hasContent(
            "{\"kind\":\"minimum\",\"id\":\"0001\",\"name\":\"train_loss\",\"value\":0.0162}\n"
                + "{\"kind\":\"cycle\",\"id\":\"0001-0002/03\",\"name\":\"saddle\",\"value\":null}\n");
  }

  @Test
  void aNumberAddedAgainIsReplacedAndKeepsItsPlace() {
    RunLog log = RunLog.open(folder, "metrics");
    log.add("minimum", "0001", "loss", 1);
    log.add("minimum", "0002", "loss", 2);
    log.add("minimum", "0001", "loss", 3);
    assertThat(log.find("minimum", "0001", "loss")).hasValue(3);
    RunLog again = RunLog.open(folder, "metrics");
    assertThat(again.rows().values()).containsExactly(3.0, 2.0);
    assertThat(folder.resolve("metrics.csv"))
        .hasContent("kind,id,name,value\nminimum,0001,loss,3.0\nminimum,0002,loss,2.0\n");
    assertThat(again.find("minimum", "0003", "loss")).isEmpty();
  }

  @Test
  void aRowTornByAKillGoesAndBothFilesAgreeAgain() throws IOException {
    RunLog log = RunLog.open(folder, "metrics");
    for (int i = 1; i <= 3; i++) {
      log.add("minimum", "000" + i, "loss", i + 0.5);
    }
    String csv = Files.readString(folder.resolve("metrics.csv"));
    String json = Files.readString(folder.resolve("metrics.jsonl"));
    for (int length = 0; length <= csv.length(); length++) {
      Files.writeString(folder.resolve("metrics.csv"), csv.substring(0, length));
      Files.writeString(folder.resolve("metrics.jsonl"), json);
      long rows = csv.substring(0, length).chars().filter(c -> c == '\n').count() - 1;
      RunLog again = RunLog.open(folder, "metrics");
      assertThat(again.rows()).hasSize((int) Math.max(rows, 0));
      List<String> csvLines = Files.readAllLines(folder.resolve("metrics.csv"));
      assertThat(csvLines).hasSize(again.rows().size() + 1);
      assertThat(Files.readAllLines(folder.resolve("metrics.jsonl"))).hasSize(csvLines.size() - 1);
      again.add("minimum", "0009", "loss", 9);
      assertThat(RunLog.read(folder, "metrics").rows()).hasSize(again.rows().size());
    }
  }

  @Test
  void rowsThatMakeNoSenseAreNamedWithTheirLine() throws IOException {
    for (String line :
        List.of("minimum,0001,loss", "a,b,c,d", "a,\"b\",c,1", ",,,1", "a,b,c,1,2")) {
      Files.writeString(folder.resolve("metrics.csv"), "kind,id,name,value\n" + line + "\n");
      Sentences.data(() -> RunLog.open(folder, "metrics")).contains("metrics.csv:2: ", line);
    }
    Files.writeString(folder.resolve("metrics.csv"), "other,header\n");
    Sentences.data(() -> RunLog.open(folder, "metrics")).contains("metrics.csv:1: ");
  }

  @Test
  void namesAreWordsThatNeedNoQuoting() {
    RunLog log = RunLog.open(folder, "metrics");
    for (String word : List.of("", "a,b", "a\"b", "a\nb")) {
      assertThatThrownBy(() -> log.add(word, "0001", "loss", 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
