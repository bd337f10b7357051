// surfaces.h - analytic energies of two variables with known minima and saddles: figure 2 of the paper, and the judges
// of the path methods. A point is (x, y); there is no data, and the error rate is 0.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend.h"

namespace ist {

struct StationaryPoint {
    double x, y, energy;
};

struct Surface {
    std::string name; // model "surface-<name>"
    // Energy at (x, y); gradient [2] where not nullptr.
    double (*energy)(double x, double y, double *gradient);
    double low[2], high[2]; // the box that holds the stationary points; random points are drawn from it
    std::vector<StationaryPoint> minima, saddles; // the isolated ones
};

const std::vector<Surface> &surfaces();
const Surface *find_surface(const std::string &name); // nullptr where there is none

// The parameters of a surface as a network without ops: one tensor "location" of two values.
Network surface_network(const Surface &surface);

// Runs on the host, with points in the backend's memory; data set and sampling are ignored.
std::unique_ptr<Executor> prepare_surface(const Surface &surface, Backend &backend);

} // namespace ist
