// isolated.cpp - see isolated.h. The child writes lines of tab-separated fields into a pipe: one per series, then
// "peak <MiB>" or "error <sentence>".
#include "isolated.h"

#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace ist::bench {
namespace {

double peak_mib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / 1024;
    return 0;
}

std::string written(const Series &s) {
    std::ostringstream out;
    out.precision(12);
    out << "series\t" << s.what << '\t' << s.unit << '\t' << s.amount << '\t' << s.flops << '\t' << s.threads << '\t'
        << s.x << '\t' << s.first_s;
    for (double seconds : s.seconds) out << '\t' << seconds;
    out << '\n';
    return out.str();
}

Series series_of(std::istringstream &fields) {
    Series s;
    std::getline(fields, s.what, '\t');
    std::getline(fields, s.unit, '\t');
    fields >> s.amount >> s.flops >> s.threads >> s.x >> s.first_s;
    for (double seconds; fields >> seconds;) s.seconds.push_back(seconds);
    return s;
}

std::string child_output(const std::function<std::vector<Series>()> &run) {
    std::ostringstream out;
    try {
        for (const Series &series : run()) out << written(series);
        out << "peak\t" << peak_mib() << '\n';
    } catch (const std::exception &e) {
        out << "error\t" << e.what() << '\n';
    }
    return out.str();
}

} // namespace

Measured isolated(const std::function<std::vector<Series>()> &run) {
    Measured measured;
    int ends[2];
    if (pipe(ends) != 0) {
        measured.error = "no pipe to a process of its own";
        return measured;
    }
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        const std::string text = child_output(run);
        for (size_t sent = 0; sent < text.size();) {
            const ssize_t n = write(ends[1], text.data() + sent, text.size() - sent);
            if (n <= 0) _exit(1);
            sent += size_t(n);
        }
        _exit(0);
    }
    close(ends[1]);
    std::string text;
    char buffer[1 << 16];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, size_t(n));
    close(ends[0]);
    int status = -1;
    if (child > 0) waitpid(child, &status, 0);
    if (status != 0)
        measured.error = WIFSIGNALED(status) ? "ended by signal " + std::to_string(WTERMSIG(status)) : "did not run";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string kind;
        std::getline(fields, kind, '\t');
        if (kind == "series") measured.series.push_back(series_of(fields));
        else if (kind == "peak") fields >> measured.peak_mib;
        else if (kind == "error") std::getline(fields, measured.error);
    }
    return measured;
}

} // namespace ist::bench
