//! Kinds of interfaces, and of surroundings of this system.

/// An interface's hardware. Linux describes it in sysfs; other systems are judged by the names of interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each as the system has it")]
pub struct Hardware {
    /// Whether it has a hardware device.
    pub has_device: bool,
    /// Whether its type is that of a network, not of a tunnel; true if the system does not report a type.
    pub is_network: bool,
    /// Whether a program on this computer is its other end: TUN, TAP.
    pub is_program: bool,
    /// Whether it is a bridge without a device: to containers and virtual machines on this computer.
    pub is_inner_bridge: bool,
}

/// A container or virtual machine around this system, whose addresses others may not reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enclosure {
    /// Docker, Podman, LXC, systemd-nspawn, a pod of Kubernetes.
    Container,
    /// The virtual machine of the Windows Subsystem for Linux, version 2.
    Wsl,
}
