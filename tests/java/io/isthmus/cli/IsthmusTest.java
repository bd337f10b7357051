package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.config.ExitCode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Arguments, help and error sentences, which need nothing but the command line itself. */
class IsthmusTest {
  private static final JsonMapper JSON = new JsonMapper();

  @Test
  void everyVerbHasHelpWithADescriptionOfItselfAndOfEachParameter() {
    for (CommandLine verb : verbs()) {
      String name = verb.getCommandSpec().qualifiedName(" ");
      assertThat(verb.getCommandSpec().usageMessage().description()).as(name).isNotEmpty();
      verb.getCommandSpec()
          .args()
          .forEach(arg -> assertThat(arg.description()).as(name + " " + arg).isNotEmpty());
      List<String> words = new ArrayList<>(List.of(name.split(" ")));
      words.remove(0);
      words.add("--help");
      Run run = Run.of(words.toArray(String[]::new));
      assertThat(run.status()).as(name).isZero();
      assertThat(run.out()).as(name).startsWith("Usage: " + name).contains("--json", "--debug");
      assertThat(run.err()).as(name).isEmpty();
    }
  }

  @Test
  void noLineOfHelpIsWiderThanAHundredColumns() {
    for (CommandLine verb : verbs()) {
      assertThat(verb.getUsageMessage().lines())
          .allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(100));
    }
  }

  @Test
  void theVersionIsFilledInByTheBuild() {
    assertThat(Run.of("--version").out().strip()).matches("isthmus \\d+\\.\\d+\\.\\d+.*");
  }

  @Test
  void helpNamesEveryExitCode() {
    for (ExitCode code : ExitCode.values()) {
      assertThat(Run.of("--help").out())
          .containsPattern("(?m)^ +" + code.status() + " +" + ExitCodes.meaning(code));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          mann            | unknown verb 'mann' (did you mean man?)
          completion --jsn| unknown option '--jsn' (did you mean --json?)
          man --ouptut x  | unknown option '--ouptut' (did you mean --output?)
          frobnicate      | unknown verb 'frobnicate'
          completion more | unexpected argument 'more'
          man -o          | missing required parameter for option '--output' (DIR)
          man mann        | there is no verb 'mann'
          """)
  void aWrongArgumentIsOneSentenceAndStatus2(String command, String sentence) {
    Run run = Run.of(command.split(" "));
    assertThat(run.status()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().strip()).startsWith("isthmus").contains(sentence).contains("--help'");
    assertThat(run.err().lines()).hasSize(1);
  }

  @Test
  void withoutAVerbHelpIsPrintedAndTheStatusIs2() {
    Run run = Run.of();
    assertThat(run.status()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("Usage: isthmus", "completion");
  }

  @ParameterizedTest
  @CsvSource({"mann --json", "--json", "man --json -o", "--json man nothing"})
  void withJsonAnErrorIsADocumentOnStandardOutput(String command) throws Exception {
    Run run = Run.of(command.split(" "));
    JsonNode error = JSON.readTree(run.out()).get("error");
    assertThat(error.get("status").asInt()).isEqualTo(run.status()).isEqualTo(2);
    assertThat(error.get("kind").asString()).isEqualTo("usage");
    assertThat(run.err()).contains(error.get("message").asString());
  }

  @Test
  void aResultThatCannotBeWrittenIsAnInputOutputError() {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("No space left on device");
          }
        };
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Console console =
        new Console(new PrintStream(full, true), new PrintStream(err, true), false, false);
    assertThat(Isthmus.run(console, "completion")).isEqualTo(74);
    assertThat(err.toString()).contains("standard output").hasLineCount(1);
  }

  private static List<CommandLine> verbs() {
    List<CommandLine> verbs = new ArrayList<>();
    collect(Isthmus.commandLine(Console.ofProcess()), verbs);
    return verbs;
  }

  private static void collect(CommandLine command, List<CommandLine> into) {
    into.add(command);
    command.getSubcommands().values().forEach(verb -> collect(verb, into));
  }
}
