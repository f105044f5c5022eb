"""The library for Conan 2: conan create src/recipes/conan, from a checkout."""
import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load


class Tinygrad(ConanFile):
    name = "tinygrad"
    package_type = "library"
    license = "MIT"
    url = "ADDRESS"
    description = "A minimal reverse-mode autograd engine in C11"
    topics = ("autograd", "machine-learning", "c")
    settings = "os", "compiler", "build_type", "arch"
    options = {"shared": [True, False], "fPIC": [True, False], "io": [True, False]}
    default_options = {"shared": False, "fPIC": True, "io": False}
    languages = "C"
    implements = ["auto_shared_fpic"]

    def root(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self.root(), "include", "tinygrad", "core.h"))
        self.version = ".".join(re.findall(r"^#define TG_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header, re.M))

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "src/*", "include/*"):
            copy(self, pattern, self.root(), self.export_sources_folder)

    def requirements(self):
        if self.options.io:
            self.requires("jansson/2.14")
            self.requires("zlib/1.3.1")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["TINYGRAD_BUILD_TESTS"] = False
        toolchain.cache_variables["TINYGRAD_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["TINYGRAD_SHARED"] = bool(self.options.shared)
        toolchain.cache_variables["TINYGRAD_IO"] = "ON" if self.options.io else "OFF"
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "tinygrad")
        core = self.cpp_info.components["tinygrad"]
        core.set_property("cmake_target_name", "tinygrad::tinygrad")
        core.set_property("pkg_config_name", "tinygrad")
        core.libs = ["tinygrad"]
        if self.settings.os in ("Linux", "FreeBSD"):
            core.system_libs = ["m", "pthread"]
        if self.options.io:
            io = self.cpp_info.components["io"]
            io.set_property("cmake_target_name", "tinygrad::io")
            io.set_property("pkg_config_name", "tinygrad-io")
            io.libs = ["tinygrad_io"]
            io.requires = ["tinygrad", "jansson::jansson", "zlib::zlib"]
