#!/bin/sh
touch /tmp/ready
echo "serving $*"
exec sleep 3600
