# `just` lists the recipes.

default:
    @just --list

# Run the simulation: `just run`, `just run --nodes 1000 --threads 8`.
run *flags:
    cargo run --release -- {{flags}}

# The tests, as the README has them.
test:
    cargo test

# What CI checks, but for loom and the namespace: format, lints, docs, tests, every benchmark once.
preflight:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    # Without `internals` the compiler sees what nobody uses.
    cargo clippy -- -D warnings
    cargo clippy --lib --no-default-features -- -D warnings
    RUSTDOCFLAGS="-D warnings --document-private-items" cargo doc --no-deps
    cargo test
    cargo test --benches

# The benchmarks: `just bench`, `just bench propagation`.
bench *name:
    cargo bench {{ if name == "" { "" } else { "--bench " + name } }}

# Virtual time beside discrete-event crates, in a package of their own: `just rivals`, `just rivals 100000`.
rivals *sizes:
    cargo run --release --manifest-path benches/rivals-des/Cargo.toml -- {{sizes}}

# iroh-gossip beside our Plumtree, in a package of its own: `just guest-iroh`, `just guest-iroh 10000 --senders one`.
guest-iroh *flags:
    cargo run --release --manifest-path benches/guest-iroh/Cargo.toml --target-dir target/guest-iroh -- {{flags}}

# The tests of that package, 100 nodes each.
guest-iroh-test:
    cargo test --release --manifest-path benches/guest-iroh/Cargo.toml --target-dir target/guest-iroh

# Two processes of a cluster on this machine: `just cluster-demo`, `just cluster-demo --nodes 1e6 --network aws33`.
cluster-demo *flags="--nodes 100000 --protocol lazy":
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build --release
    hosts=$(mktemp)
    trap 'rm -f "$hosts"' EXIT
    printf '127.0.0.1:7101\n127.0.0.1:7102\n' > "$hosts"
    own=()
    [[ " {{flags}}" == *" --seed"* ]] || own+=(--seed 1)
    [[ " {{flags}}" == *" --threads"* || " {{flags}}" == *" -t"* ]] || own+=(--threads 1)
    run() {
        target/release/bulkprop --transport simulated "${own[@]}" --cluster "$hosts" --process "$1" {{flags}}
    }
    run 1 &
    run 0
    wait

# The shared parts under every interleaving that loom finds.
loom:
    RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom LOOM_MAX_PREEMPTIONS=3 cargo test --manifest-path tests/loom/Cargo.toml sync::

# The same program on mio's portable calls alone, as on systems other than Linux.
portable:
    BULKPROP_PORTABLE=1 CARGO_TARGET_DIR=target/portable cargo test

# Random scenarios, held to what is true of every run: `just swarm`, `just swarm 20000 9`. `cargo test` runs 300 of them.
swarm runs="5000" seed="2":
    SWARM_RUNS={{runs}} SWARM_SEED={{seed}} cargo test --test swarm -- --nocapture

# A fuzz target for so long, under libFuzzer where nightly and cargo-fuzz are there, else as `cargo test` has it, with new
# draws: `just fuzz`, `just fuzz matrix 600`. Targets: datagram, train_trailer, scenario, option, edge_list, links,
# matrix, places, publications, task.
fuzz target="datagram" seconds="60":
    #!/usr/bin/env bash
    set -euo pipefail
    if cargo +nightly fuzz --version >/dev/null 2>&1; then
        mkdir -p fuzz/corpus/{{target}}
        exec cargo +nightly fuzz run {{target}} fuzz/corpus/{{target}} fuzz/seeds/{{target}} -- \
            -max_total_time={{seconds}} -timeout=10 -rss_limit_mb=2048
    fi
    cargo test --test fuzz --no-run
    # 124: the time is over and nothing was found.
    PROPTEST_CASES=4294967295 timeout {{seconds}} cargo test --test fuzz -- --exact {{target}} || [ $? -eq 124 ]

# Where the time goes: flamegraph.svg (needs perf and inferno).
flamegraph *flags="--nodes 5000 --threads 2 --runs 20":
    RUSTFLAGS="-C force-frame-pointers=yes" cargo build --profile profiling
    perf record -e cpu-clock --call-graph fp -F 997 -o perf.data target/profiling/bulkprop --quiet {{flags}}
    perf script -i perf.data | inferno-collapse-perf | inferno-flamegraph > flamegraph.svg

# What the run costs the machine: context switches, migrations, faults.
stat *flags="--nodes 5000 --threads 2 --runs 20":
    cargo build --release
    perf stat -e task-clock,context-switches,cpu-migrations,page-faults target/release/bulkprop --quiet {{flags}}

# The tests that need a network namespace of their own.
namespaces:
    cargo test --test it -- --ignored

# Processes of a cluster killed at random moments, 20 in `cargo test`: `just cluster-kills`, `just cluster-kills 1000`.
cluster-kills kills="200":
    CLUSTER_KILLS={{kills}} cargo test --test it -- cluster_ends --nocapture

# A cluster of each shape against one process, for every protocol and all that may happen; `cargo test` takes one or two.
cluster-equality:
    CLUSTER_SHAPES=all cargo test --test it -- a_cluster_reports_what_one_process_reports

# Two processes of one thread against one process of two, and the ratio: `just cluster-bench`, `just cluster-bench 1e6
# --protocol lazy`. Seconds are those of the run without its set-up, the least of five.
cluster-bench nodes="1e6" *flags:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build --release
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    printf '127.0.0.1:7101\n127.0.0.1:7102\n' > "$folder/hosts"
    run() {
        target/release/bulkprop --transport simulated --seed 1 --nodes {{nodes}} --format json {{flags}} "$@"
    }
    least() { sed -n 's/^ *"wall_ns": \([0-9]*\),*$/\1/p' "$@" | sort -n | head -1; }
    for i in 1 2 3 4 5; do
        run --threads 2 > "$folder/one.$i.json"
        run --threads 1 --cluster "$folder/hosts" --process 1 > "$folder/line" &
        run --threads 1 --cluster "$folder/hosts" --process 0 > "$folder/two.$i.json"
        wait
    done
    one=$(least "$folder"/one.*.json); two=$(least "$folder"/two.*.json)
    awk -v one="$one" -v two="$two" 'BEGIN {
        printf "one process of two threads %.3f s, two of one %.3f s: %.2f times\n", one / 1e9, two / 1e9, two / one
    }'
