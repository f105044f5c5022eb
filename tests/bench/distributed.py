#!/usr/bin/env python3
"""Two processes beside one, and beside PyTorch's DistributedDataParallel (gloo): an MLP 784-512-512-10 in
float32, batches of 512, SGD, one thread a process. All run in turn, so that ratios hold on a machine that is
otherwise busy; a step's time is what a tenth of the steps stay below, the best of all rounds.

    python3 tests/bench/distributed.py build/release/tests/mpi_bench [ROUNDS [MPIEXEC]]

Bytes are those that went over the loopback device in a step, in both directions together and TCP's own
included; Open MPI is told to use TCP for that run alone. Memory is the peak of rank 0. Needs PyTorch."""
import json
import os
import resource
import subprocess
import sys
import time

BATCH, SAMPLES, STEPS, WARM = 512, 8192, 60, 5
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def loopback():
    with open("/proc/net/dev") as file:
        for line in file:
            if line.strip().startswith("lo:"):
                return int(line.split(":")[1].split()[0])
    return 0


def quantile(values, part):
    return sorted(values)[int(part * (len(values) - 1))]


def torch_worker(rank, processes, port, out):
    import torch
    from torch import nn
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    if processes > 1:
        import torch.distributed as dist
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        dist.init_process_group("gloo", rank=rank, world_size=processes)
        model = nn.parallel.DistributedDataParallel(model)
    optim = torch.optim.SGD(model.parameters(), lr=1e-2)
    inputs, targets = torch.randn(SAMPLES, 784), torch.randint(0, 10, (SAMPLES,))
    mine = BATCH // processes
    times = []
    for step in range(WARM + STEPS):
        if step == WARM:
            before = loopback()
        begun = time.perf_counter()
        rows = torch.randint(0, SAMPLES, (mine,))
        optim.zero_grad()
        nn.functional.cross_entropy(model(inputs[rows]), targets[rows]).backward()
        optim.step()
        times.append(time.perf_counter() - begun)
    if rank == 0:
        each = quantile(times[WARM:], 0.1)
        with open(out, "w") as file:
            json.dump({"samples_per_second": BATCH / each, "step_ms": 1e3 * each,
                       "bytes": (loopback() - before) / STEPS,
                       "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}, file)
    if processes > 1:
        dist.destroy_process_group()


def torch_run(processes):
    out = f"/tmp/distributed-{os.getpid()}.json"
    port = 20000 + os.getpid() % 20000 + processes
    workers = [subprocess.Popen([sys.executable, __file__, "worker", str(rank), str(processes), str(port), out],
                                env=ENVIRONMENT) for rank in range(processes)]
    if any(worker.wait() for worker in workers):
        sys.exit("PyTorch failed")
    with open(out) as file:
        result = json.load(file)
    os.remove(out)
    return result


def our_run(program, launcher, shards):
    before = loopback()
    line = subprocess.run(launcher + [program, str(STEPS), str(shards)], env=ENVIRONMENT, check=True,
                          capture_output=True, text=True).stdout
    result = json.loads(line)
    result["bytes"] = (loopback() - before) / (WARM + STEPS)
    return result


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    mpiexec = sys.argv[3] if len(sys.argv) > 3 else "mpirun"
    two = [mpiexec, "-n", "2"]
    runs = {
        "ours, 1 process": lambda: our_run(program, [], 0),
        "ours, 2 processes, 2 shards": lambda: our_run(program, two, 2),
        "ours, 1 process, 8 shards": lambda: our_run(program, [], 8),
        "ours, 2 processes, 8 shards": lambda: our_run(program, two, 8),
        "PyTorch, 1 process": lambda: torch_run(1),
        "PyTorch DDP gloo, 2 processes": lambda: torch_run(2),
    }
    best = {}
    for _ in range(rounds):
        for name, run in runs.items():
            result = run()
            if name not in best or result["step_ms"] < best[name]["step_ms"]:
                best[name] = result
    probe = subprocess.run([mpiexec, "--version"], capture_output=True, text=True).stdout
    if "Open MPI" in probe or "OpenRTE" in probe:
        sent = our_run(program, [mpiexec, "--mca", "btl", "tcp,self", "-n", "2"], 2)["bytes"]
        best["ours, 2 processes, 2 shards"]["bytes"] = sent
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, best of {rounds} rounds")
    for name, r in best.items():
        print(f"{name:30} {r['samples_per_second']:8.0f} samples/s  step {r['step_ms']:6.2f} ms"
              f"  {r['bytes'] / 1e6:6.2f} MB over loopback  peak {r['peak_mib']:4.0f} MiB")
    for one, more in (("ours, 1 process", "ours, 2 processes, 2 shards"),
                      ("ours, 1 process, 8 shards", "ours, 2 processes, 8 shards"),
                      ("PyTorch, 1 process", "PyTorch DDP gloo, 2 processes")):
        print(f"{more}: {best[more]['samples_per_second'] / best[one]['samples_per_second']:.2f} times one")


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        torch_worker(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    else:
        main()
