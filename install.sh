#!/bin/sh
# Installation without a network, from a file that `make bundle` wrote elsewhere:
#   ./install.sh install BUNDLE --key plant.pub --to /opt/defect-distillery [--storage /srv/distillery]
#   /opt/defect-distillery/install.sh update BUNDLE      back by itself where that fails
#   /opt/defect-distillery/install.sh rollback           to the release before
# Any other verb is the program's own: install.sh serve, install.sh doctor …
set -eu
here=$(dirname "$(readlink -f "$0")")
export PYTHONPATH="$here"
own="$here/.venv/bin/python"
# -P: what lies in the folder in which it is called is not taken for the program.
if [ "${1:-}" != install ] && [ -x "$own" ] && "$own" -P -c "import click" 2>/dev/null; then
  exec "$own" -P -m backend "$@"
fi
python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "Python 3.11 or newer is needed. On Debian or Ubuntu: apt install python3 python3-venv" >&2
  exit 2
fi
exec "$python" -P -m backend.release "$@"
